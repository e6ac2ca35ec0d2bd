# To build for aarch64 with Debian's cross compiler (gcc-aarch64-linux-gnu) and run it by qemu (qemu-user). The packages
# that the build needs come from tools/dev/sysroot-aarch64.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

set(execi_sysroot ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot-aarch64)
set(ENV{PKG_CONFIG_LIBDIR} ${execi_sysroot}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${execi_sysroot})
set(CMAKE_FIND_ROOT_PATH ${execi_sysroot} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
