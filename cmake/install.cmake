# Headers, both libraries, the CMake package and the pkg-config file; all relocatable. Three components: lib (what a
# program needs to run), dev (what it needs to be built) and tools (exsum: also tools/CMakeLists.txt).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_target_properties(executor_static PROPERTIES EXPORT_NAME executor_static)
set_target_properties(executor_shared PROPERTIES EXPORT_NAME executor)

install(DIRECTORY include/executor TYPE INCLUDE COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(TARGETS executor_static executor_shared EXPORT executor-targets
        LIBRARY COMPONENT lib NAMELINK_COMPONENT dev
        ARCHIVE COMPONENT dev)
install(EXPORT executor-targets NAMESPACE executor:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/executor COMPONENT dev)

configure_package_config_file(cmake/executor-config.cmake.in ${PROJECT_BINARY_DIR}/executor-config.cmake
        INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/executor PATH_VARS CMAKE_INSTALL_BINDIR
        NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/executor-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/executor-config.cmake ${PROJECT_BINARY_DIR}/executor-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/executor COMPONENT dev)

# Man pages, made from the headers, and of exsum.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
        file(GLOB man_sources CONFIGURE_DEPENDS include/executor/*.h docs/man/*.[17])
        add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/man/complete
                COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/dev/man ${PROJECT_BINARY_DIR}/man
                COMMAND ${CMAKE_COMMAND} -E touch ${PROJECT_BINARY_DIR}/man/complete
                DEPENDS ${man_sources} ${PROJECT_SOURCE_DIR}/tools/dev/man ${PROJECT_SOURCE_DIR}/tools/dev/api.py)
        add_custom_target(executor_man ALL DEPENDS ${PROJECT_BINARY_DIR}/man/complete)
        install(DIRECTORY ${PROJECT_BINARY_DIR}/man/man3 ${PROJECT_BINARY_DIR}/man/man7
                DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT dev)
        if(EXEC_TOOLS)
                install(DIRECTORY ${PROJECT_BINARY_DIR}/man/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT tools)
        endif()
else()
        message(STATUS "No Python 3: the man pages are not made")
endif()

# From lib/pkgconfig back to the prefix: the tree may be moved.
file(RELATIVE_PATH prefix_from_pc /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(cmake/executor.pc.in ${PROJECT_BINARY_DIR}/executor.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/executor.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
