import pytest

from vedette.grouping.functions import trim_function


@pytest.mark.parametrize(
    ("function", "trimmed"),
    [
        ("void ns::foo<int>(std::vector<int> const&) const", "ns::foo<T>"),
        ("std::function<void (int)>::operator()(int) const", "std::function<T>::operator()"),
        ("main::$_0::operator()(int)", "main::lambda::operator()"),
        ("<T as core::ops::Fn>::call", "core::ops::Fn::call"),
        ("<alloc::vec::Vec<T> as core::ops::Drop>::drop", "core::ops::Drop::drop"),
        ("app::run::h0123456789abcdef", "app::run"),
        ("@objc Foo.bar(x: Int) -> Bool", "Foo.bar"),
        ("memcpy@@GLIBC_2.14", "memcpy"),
        ("foo@12", "foo"),
        ("foo(int) [clone .isra.3]", "foo"),
        ("-[Foo bar:]", "-[Foo bar:]"),
        ("<redacted>", "<redacted>"),
        ("(anonymous namespace)::f(int)", "(anonymous namespace)::f"),
        ("a::operator<<(int)", "a::operator<<"),
        ("?A0x12345678::run", "`anonymous namespace'::run"),
        ("((((((", "(((((("),
        ("<<<<>", "<<<<>"),
        ("<" * 200, "<" * 200),
        ("&" * 300 + "x", "&" * 300 + "x"),
        ("", ""),
    ],
)
def test_a_native_function_keeps_its_name_only(function: str, trimmed: str) -> None:
    assert trim_function(function, "native") == trimmed


def test_csharp_ends_at_its_arguments() -> None:
    assert trim_function("Shop.Cart.Total (System.Int32 id)", "csharp") == "Shop.Cart.Total"


def test_other_platforms_keep_functions_as_they_are() -> None:
    assert trim_function("foo(int)", "python") == "foo(int)"
