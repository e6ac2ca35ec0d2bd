# The compile flags of everything in this tree, as functions on a target: none of them reaches a consumer.

set(execi_warnings -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wstrict-prototypes
        -Wmissing-prototypes)
if(EXEC_WERROR)
        list(APPEND execi_warnings -Werror)
endif()

if(EXEC_SANITIZE)
        set(execi_sanitize -fsanitize=${EXEC_SANITIZE} -fno-omit-frame-pointer)
        if(EXEC_SANITIZE MATCHES undefined)
                list(APPEND execi_sanitize -fno-sanitize-recover=undefined)
        endif()
endif()

# Language, warnings, and the backends' definitions that private headers ask for.
function(execi_common target)
        set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:${execi_warnings}>)
        if(EXEC_SPIN STREQUAL atomic)
                target_compile_definitions(${target} PRIVATE EXECI_SPIN_ATOMIC)
        else()
                target_include_directories(${target} SYSTEM PRIVATE ${ck_INCLUDE_DIRS})
        endif()
        if(EXEC_PARKER STREQUAL cond)
                target_compile_definitions(${target} PRIVATE EXECI_PARKER_COND)
        endif()
endfunction()

# Objects of the library. One set of objects serves the static and the shared library: with hidden symbols and
# initial-exec thread-locals position-independent code costs next to nothing on x86-64, and the linker turns
# initial-exec into local-exec where it links statically.
function(execi_library target)
        execi_common(${target})
        set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
        target_compile_definitions(${target} PRIVATE EXEC_NO_PLACES)
        target_compile_options(${target} PRIVATE -ftls-model=initial-exec -fno-semantic-interposition)
        target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/executor)
        target_link_libraries(${target} PRIVATE Threads::Threads)
        if(EXEC_SANITIZE_LIBRARY)
                target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:${execi_sanitize}>)
        endif()
endfunction()

# A test, example, tool or bench, or a library of their common parts.
function(execi_program target)
        execi_common(${target})
        target_compile_options(${target} PRIVATE ${execi_sanitize})
        target_link_options(${target} PRIVATE ${execi_sanitize})
endfunction()
