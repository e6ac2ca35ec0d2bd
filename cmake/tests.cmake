pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

# execi_test(NAME KIND COMMAND...) - a ctest test with the label KIND and the environment that every test gets.
# Names that end in _slow get the label slow too; those that end in _timing run alone.
set(execi_timeout_s $<IF:$<BOOL:${CMAKE_CROSSCOMPILING}>,900,120>) # an emulator is slow
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

function(execi_test name kind)
        add_test(NAME ${name} COMMAND ${ARGN})
        set(labels ${kind})
        if(name MATCHES "_slow$")
                list(APPEND labels slow)
        endif()
        set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${execi_timeout_s} SKIP_RETURN_CODE 77
                ENVIRONMENT "${execi_test_environment}")
        if(name MATCHES "_timing$")
                set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
        endif()
endfunction()
