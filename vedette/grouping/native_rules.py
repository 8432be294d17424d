"""What system code does in native programs, and how little of it says anything about a crash.

Frames get categories by their package or function. Then the categories decide: how threads start, how signals arrive
and what happens behind a throw does not count; of system code that calls system code only the first frame does.

Source: the grouping specification, 5.7, which describes them by intent; the rules are our own.
"""

PACKAGES = {
    "system": """
        /usr/lib/system/**, /lib/**, /lib64/**, /usr/lib/**, /usr/lib64/**, /system/lib/**, /system/lib64/**,
        /apex/**, /vendor/lib/**, /vendor/lib64/**, /System/Library/**, linux-gate.so*, linux-vdso.so*, **/libc.so*,
        **/libpthread.so*, **/ld-linux*.so*, C:/Windows/**, **/ntdll.dll, **/ntdll, **/kernel32.dll,
        **/kernelbase.dll, **/wow64*.dll, ntoskrnl.exe
    """,
    "std": """
        **/libstdc++*, **/libc++*, **/libswiftCore*, **/libswift_*, **/msvcp*.dll, **/vcruntime*.dll,
        **/ucrtbase*.dll
    """,
    "ui": """
        **/UIKit, **/UIKitCore, **/AppKit, **/SwiftUI, **/QuartzCore, **/libhwui.so, **/libgui.so,
        **/libandroid_runtime.so, **/libinput.so, **/user32.dll, **/win32u.dll, **/uxtheme.dll, **/comctl32.dll,
        **/libgtk-*.so*, **/libQt*Widgets.so*
    """,
    "runtime": """
        **/CoreFoundation, **/Foundation, **/libobjc.A.dylib, **/libdispatch.dylib, **/libart.so, **/libdvm.so,
        **/combase.dll, **/rpcrt4.dll, **/libglib-2.0.so*, **/libmonosgen*, **/mono-2.0*.dll, **/coreclr.dll,
        **/libcoreclr.so, **/GraphicsServices
    """,
    "av": """
        **/AVFoundation, **/AVFAudio, **/AudioToolbox, **/CoreAudio, **/CoreMedia, **/VideoToolbox,
        **/libaudioclient.so, **/libmedia*.so, **/libstagefright*.so, **/mfplat.dll, **/xaudio2*.dll
    """,
    "gl": """
        **/OpenGLES, **/OpenGL, **/Metal, **/libGL.so*, **/libGLES*.so, **/libEGL.so*, **/libvulkan.so*,
        **/opengl32.dll, **/d3d9.dll, **/d3d1*.dll, **/dxgi.dll, **/vulkan-1.dll
    """,
    "driver": """
        **/GLEngine, **/AGXMetal*, **/AppleIntel*, **/AMDRadeon*, **/libGLES_mali.so, **/libgsl.so, **/libllvm-*.so,
        **/igd*.dll, **/ig*icd*.dll, **/nvoglv*.dll, **/nvwgf2um*.dll, **/nvd3dum*.dll, **/ati*.dll, **/amdvlk*.dll,
        **/libnvidia-*.so*
    """,
}
"""Category -> packages, with commas between. A later category takes a frame from an earlier one."""
FUNCTIONS = {
    "std": """
        std::*, __gnu_cxx::*, core::*, alloc::*
    """,
    "malloc": """
        malloc, calloc, realloc, *_malloc, malloc_*, szone_malloc*, tiny_malloc*, _malloc_zone_*, operator new*,
        HeapAlloc, RtlAllocateHeap, RtlpAllocateHeap*, je_malloc*, scudo_malloc, __libc_malloc, __rdl_alloc,
        __rust_alloc, _int_malloc
    """,
    "free": """
        free, cfree, szone_free*, tiny_free*, free_*, operator delete*, HeapFree, RtlFreeHeap, RtlpFreeHeap*,
        je_free*, scudo_free, __libc_free, _int_free, __rust_dealloc
    """,
    "load": """
        dlopen*, dlsym*, _dl_*, dyld*, LoadLibrary*, LdrLoadDll, LdrpLoadDll*, __dl_*, ImageLoader*, _dyld_*
    """,
    "dtor": """
        *::~*, __cxa_finalize*, _objc_rootDealloc, objc_destructInstance, swift_deallocClassInstance,
        _swift_release_dealloc
    """,
    "lock": """
        pthread_mutex_lock*, pthread_cond_*wait*, pthread_rwlock_*, __psynch_*, _os_unfair_lock_*, os_unfair_lock_*,
        semaphore_wait*, _dispatch_semaphore_wait*, dispatch_semaphore_wait, __lll_lock_wait*, futex_wait*, syscall,
        RtlEnterCriticalSection, RtlpEnterCriticalSection*, NtWaitForAlertByThreadId, NtWaitForSingleObject,
        WaitForSingleObject*, std::mutex::lock, std::__1::mutex::lock
    """,
    "shutdown": """
        exit, _exit, __run_exit_handlers, __cxa_finalize_ranges, ExitProcess, RtlExitUserProcess, doexit, _cexit
    """,
    "throw": """
        abort, _abort, __abort, raise, gsignal, __pthread_kill, pthread_kill, __cxa_throw, __cxa_rethrow,
        _CxxThrowException, objc_exception_throw, objc_exception_rethrow, RaiseException, std::terminate,
        std::__terminate, std::rethrow_exception, _purecall, __assert_fail, __assert_rtn, __fortify_chk_fail,
        __stack_chk_fail, std::__throw_*, fatalError, _assertionFailure, swift_unexpectedError,
        _swift_runtime_on_report, _NSRaiseError, +[NSException raise*, -[NSException raise*, rust_begin_unwind,
        core::panicking::panic*, std::panicking::begin_panic*, google::LogMessageFatal::~LogMessageFatal,
        art::Runtime::Abort, __android_log_assert, __rust_start_panic
    """,
    "handler": """
        _sigtramp, __restore_rt, __restore_rt_*, sigaction, __kernel_rt_sigreturn, KiUserExceptionDispatcher,
        __kernel_sigreturn, art::FaultManager::HandleFault*, UnhandledExceptionFilter, RtlDispatchException
    """,
    "threadbase": """
        _start, start, start_thread, __clone, clone3, __libc_start_main*, __libc_start_call_main, thread_start,
        _pthread_start, _pthread_body, __pthread_start*, BaseThreadInitThunk, RtlUserThreadStart, invoke_main,
        __scrt_common_main*, UIApplicationMain, NSApplicationMain, _dispatch_worker_thread*,
        _dispatch_root_queue_drain*, _pthread_wqthread, start_wqthread, GSEventRunModal, CFRunLoopRun,
        CFRunLoopRunSpecific, std::rt::lang_start*, std::thread::Builder::spawn*, std::sys::*thread*start*,
        android::Thread::_threadLoop, android::AndroidRuntime::javaThreadShell, android::Looper::pollOnce,
        art::Thread::CreateCallback, JNI_CreateJavaVM
    """,
    "indirection": """
        objc_msgSend*, objc_retain*, objc_release*, objc_autorelease*, swift_retain*, swift_release*,
        _objc_msgSend*, std::function<T>::operator(), std::__1::function<T>::operator(), std::invoke*,
        std::__invoke*, std::_Function_handler<T>::_M_invoke, core::ops::function::*, __rust_begin_short_backtrace,
        std::sys_common::backtrace::__rust_begin_short_backtrace, __rust_maybe_catch_panic, std::panicking::try*,
        std::panic::catch_unwind, *.cold.1, thunk for *, _dispatch_client_callout*,
        _dispatch_call_block_and_release, -[NSInvocation invoke*, __invoking___, NSInvokeInvocation*, __NSFireTimer,
        __CFRUNLOOP_IS_CALLING_OUT_TO_*, __forwarding__*, _CF_forwarding_prep_0
    """,
    "telemetry": """
        kscm_*, kscrash_*, sentrycrash*, sentry__*, google_breakpad::*, crashpad::*, backtrace, backtrace::*,
        failure::backtrace::*, error_chain::make_backtrace, anyhow::*::backtrace*, _sigunwind*
    """,
    "internals": """
        closure, closure #*, Array.subscript.getter, Array._checkSubscript*, Array._getElement*, Collection.map<T>,
        Sequence.map<T>, Sequence.forEach, specialized *, _ArrayBuffer.*, ContiguousArray.*,
        Dictionary.subscript.getter, Optional.map<T>, Optional._unsafelyUnwrappedUnchecked*, swift_dynamicCast*,
        _swift_stdlib_*
    """,
}
"""Category -> (trimmed) functions, wherever they lie."""
CALLED_BY = {
    "gl": ("gl", "driver"),
    "av": ("av",),
    "malloc": ("malloc",),
    "driver": ("driver", "gl"),
    "free": ("free", "dtor"),
    "system": ("system", "std", "malloc", "free"),
    "std": ("std",),
    "ui": ("ui", "runtime"),
    "load": ("load",),
    "runtime": ("runtime", "ui"),
    "dtor": ("dtor", "free"),
}
"""Category -> categories of callers behind which it says nothing new."""
_SILENT = """
family:native category:system function:_* !function:_purecall category=internals
family:native category:system function:<unknown> category=internals
family:native category:system function:<redacted> category=internals
[ !category:system ] | family:native category:system | [ !category:system ] category=indirection
"""
_EFFECTS = """
family:native category:again category=internals
family:native category:indirection -group
family:native category:internals -group
family:native category:telemetry -group
family:native category:threadbase v-group -group
family:native category:handler ^-group -group
family:native category:throw ^-group
"""


def native_rules() -> str:
    """The rules as text. `again` is system code that was called by such code, until it becomes `internals`."""
    named = [
        f'family:native {key}:"{pattern.strip()}" category={category}'
        for key, table in (("package", PACKAGES), ("function", FUNCTIONS))
        for category, patterns in table.items()
        for pattern in patterns.replace("\n", " ").split(",")
    ]
    again = [
        f"[ category:{caller} ] | family:native category:{category} category=again"
        for category, callers in CALLED_BY.items()
        for caller in (*callers, "again")
    ]
    return "\n".join((*named, _SILENT, *again, _EFFECTS))
