pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

# Each test has its kind as a label, and those of the subjects that name it. A build may have the tests of some labels only
# (EXEC_TEST_LABELS), and a run may choose among them: CMakePresets.json says for each what it adds something to. What a
# mode of the pool, a backend or a second compiler's sanitizer changes is noticed by the subject, and by the kind stress,
# which is about everything. A new test belongs into a subject if it would notice when that breaks, and no test there would.
set(execi_subjects stacks waits cancels)
# where stacks come from, how deep they go, what is switched between
set(execi_about_stacks api.errno api.fork api.recursion api.stack api.task)
# what is true before a wait, and again after it, perhaps on another worker
set(execi_about_waits api.as_completed api.cross_pool api.errno api.forkjoin api.gather api.group api.hook
        api.local api.loop api.progress api.sleep api.thread api.timeout fuzz.examples)
# ends that come from elsewhere, at any time
set(execi_about_cancels api.any api.cancel api.group api.no_alloc api.shield api.stop api.timeout
        api.unstarted api.wait_for fuzz.examples)

# Those that take longest begin first, so that none runs alone at the end.
set(execi_longest model.wait model.idle package stress.fault fuzz.examples exsum api.group api.recursion api.stop
        example.fetch_data)

# A case that hangs is ended by its program (tests/support/fixture.c); this is for what hangs otherwise.
set(execi_timeout_s 120)
if(CMAKE_CROSSCOMPILING)
        set(execi_timeout_s 900) # an emulator is slow
elseif(EXEC_SANITIZE)
        set(execi_timeout_s 400) # so is ThreadSanitizer's precise mode where there is little of a processor
endif()
set(execi_test_environment
        CMOCKA_TEST_ABORT=1
        ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
        UBSAN_OPTIONS=print_stacktrace=1
        TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
)
if(CMAKE_CROSSCOMPILING)
        list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
        list(APPEND execi_test_environment "EXEC_TEST_EMULATOR=${emulator}")
endif()

# execi_labels(RESULT NAME KIND): of a test; empty: this build does not have it. Names that end in _slow get the label slow.
function(execi_labels result name kind)
        set(labels ${kind})
        foreach(subject ${execi_subjects})
                if(name IN_LIST execi_about_${subject})
                        list(APPEND labels ${subject})
                endif()
        endforeach()
        if(name MATCHES "_slow$")
                list(APPEND labels slow)
        endif()
        set(wanted ${labels})
        if(EXEC_TEST_LABELS)
                list(FILTER wanted INCLUDE REGEX "^(${EXEC_TEST_LABELS})$")
        endif()
        if(NOT wanted)
                set(labels)
        endif()
        set(${result} "${labels}" PARENT_SCOPE)
endfunction()

# execi_test(NAME KIND COMMAND...) - a ctest test with its labels and the environment that every test gets, if this build has
# it. Those whose names end in _timing run alone.
function(execi_test name kind)
        execi_labels(labels ${name} ${kind})
        if(NOT labels)
                return()
        endif()
        add_test(NAME ${name} COMMAND ${ARGN})
        set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${execi_timeout_s} SKIP_RETURN_CODE 77
                ENVIRONMENT "${execi_test_environment}")
        if(name IN_LIST execi_longest)
                set_tests_properties(${name} PROPERTIES COST 1000)
        endif()
        if(name MATCHES "_timing$")
                set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
        endif()
endfunction()
