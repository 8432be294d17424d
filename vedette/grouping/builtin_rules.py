"""The stack trace rules that every project starts with.

Source: the grouping specification, 5.7, which describes them by intent; the rules are our own.
"""

from functools import lru_cache

from vedette.grouping.enhancements import Rules, RuleSyntaxError, parse_rules

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

# native: how threads and programs start, how signals arrive
family:native function:_start v-group -group
family:native function:start v-group -group
family:native function:start_thread v-group -group
family:native function:__libc_start_main* v-group -group
family:native function:thread_start v-group -group
family:native function:_pthread_start v-group -group
family:native function:_pthread_body v-group -group
family:native function:BaseThreadInitThunk v-group -group
family:native function:RtlUserThreadStart v-group -group
family:native function:invoke_main v-group -group
family:native function:__scrt_common_main* v-group -group
family:native function:UIApplicationMain v-group -group
family:native function:_sigtramp ^-group -group
family:native function:__restore_rt ^-group -group
family:native function:sigaction ^-group -group
family:native function:KiUserExceptionDispatcher ^-group -group
family:native function:*.cold.1 -group

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
    """The parsed rules."""
    return parse_rules(TEXT)


@lru_cache(maxsize=64)
def rules_with(project_text: str) -> Rules:
    """The built-in rules, then the project's own; a text that cannot be read is ignored as a whole."""
    if not project_text.strip():
        return builtin_rules()
    try:
        return Rules(builtin_rules().rules + parse_rules(project_text).rules)
    except RuleSyntaxError:
        return builtin_rules()
