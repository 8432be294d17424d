"""The stack trace rules that every project starts with.

Source: the grouping specification, 5.7, which describes them by intent; the rules are our own.
"""

from functools import lru_cache

from vedette.grouping.enhancement_text import parse_rules
from vedette.grouping.enhancements import Rules
from vedette.grouping.native_rules import native_rules
from vedette.grouping.rule_text import RuleSyntaxError

TEXT = r"""
# native: what belongs to the app, and what to the system
family:native path:/var/containers/Bundle/Application/** +app
family:native package:/var/containers/Bundle/Application/** +app
family:native package:/private/var/containers/Bundle/Application/** +app
family:native package:**/Developer/CoreSimulator/Devices/** +app
family:native package:**.app/Contents/** +app
family:native package:/Users/** +app
family:native package:/lib/** -app
family:native package:/lib64/** -app
family:native package:/usr/lib/** -app
family:native package:/usr/lib64/** -app
family:native package:/usr/local/lib/** -app
family:native package:/usr/local/Cellar/** -app
family:native package:linux-gate.so* -app
family:native package:/System/Library/** -app
family:native package:C:/Windows/** -app
family:native package:**/libswift*.dylib -app
family:native package:**/KSCrash.framework/** -app -group
family:native package:**/Sentry.framework/** -app -group
family:native package:**/SentrySwift.framework/** -app -group
family:native function:kscm_* -app -group
family:native function:sentrycrash* -app -group
family:native function:kscrash_* -app -group
family:native function:?[Sentry* -app -group
family:native function:?[RNSentry* -app -group
family:native function:?[KSCrash* -app -group
family:native function:google_breakpad::* -app -group

# native: standard libraries, and where a panic or a throw begins
family:native function:std::* -app
family:native function:core::* -app
family:native function:alloc::* -app
family:native function:__rust_* -app
family:native function:rust_begin_unwind ^-group -group ^-app -app
family:native function:std::panicking::begin_panic* ^-group -group ^-app -app
family:native function:core::panicking::panic* ^-group -group ^-app -app
family:native function:begin_panic* ^-group -group ^-app -app
family:native function:failure::backtrace::Backtrace::new ^-group -group ^-app -app
family:native function:error_chain::make_backtrace ^-group -group ^-app -app
family:native function:_CxxThrowException ^-group -group ^-app -app
family:native function:__cxa_throw ^-group -group ^-app -app
family:native function:__assert_rtn ^-group -group ^-app -app
family:native function:_NSRaiseError ^-group -group ^-app -app

# android and java threads
module:android.os.Looper function:loop v-group -group
module:android.app.ActivityThread function:main v-group -group
module:com.android.internal.os.ZygoteInit* v-group -group

# dart
path:package:flutter/** -app -group
path:org-dartlang-sdk:/** -app -group
path:**/.pub-cache/** -app

# any platform
path:**/vendor/** -app

# python
path:**/site-packages/** -app
path:**/dist-packages/** -app

# javascript
family:javascript path:**/node_modules/** -app
family:javascript path:https://unpkg.com/** -app
family:javascript path:https://cdnjs.cloudflare.com/** -app
family:javascript path:https://cdn.jsdelivr.net/** -app
family:javascript path:https://esm.run/** -app
family:javascript function:reportError ^-app -app
family:javascript module:@babel/** -app -group
family:javascript module:core-js/** -app -group
family:javascript module:regenerator-runtime/** -app -group
family:javascript module:tslib/** -app -group
family:javascript path:**/node_modules/@babel/** -app -group
family:javascript path:**/node_modules/core-js/** -app -group
family:javascript path:**/node_modules/regenerator-runtime/** -app -group
family:javascript path:**/node_modules/tslib/** -app -group
family:javascript function:runMicrotasks -app -group
family:javascript function:queueMicrotask -app -group
family:javascript function:process.processTicksAndRejections -app -group
family:javascript function:processTicksAndRejections -app -group
family:javascript function:runNextTicks -app -group
family:javascript function:nextTick -app -group

# go
path:**/go/pkg/mod/** -app

# java, kotlin, scala
module:jdk.* -app
module:sun.* -app
module:com.sun.* -app
module:java.* -app
module:javax.* -app
module:scala.* -app
module:akka.* -app
module:org.apache.* -app
module:org.springframework.* -app
module:org.glassfish.* -app
module:org.jboss.* -app
module:feign.* -app
module:io.opentelemetry.* -app
module:kotlin.* -app
module:kotlinx.* -app
module:io.ktor.* -app
module:io.netty.* -app
module:io.sentry.* -app -group

# telemetry
module:newrelic.* -app -group
path:**/newrelic/** -app -group
path:**/LogRocket* -app -group
"""


@lru_cache(maxsize=1)
def builtin_rules() -> Rules:
    """The parsed rules; those of native programs come last."""
    rules = parse_rules(f"{TEXT}\n{native_rules()}").rules
    return Rules(rules, trusted=len(rules))


@lru_cache(maxsize=64)
def rules_with(project_text: str) -> Rules:
    """The built-in rules, then the project's own; a text that cannot be read is ignored as a whole."""
    if not project_text.strip():
        return builtin_rules()
    try:
        own = builtin_rules().rules
        return Rules(own + parse_rules(project_text).rules, trusted=len(own))
    except RuleSyntaxError:
        return builtin_rules()
