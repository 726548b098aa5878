# Flags sit on one interface target; every target of ours links to it.
option(TWINSIM_TESTS "Build the tests" ON)
option(TWINSIM_WERROR "Treat warnings as errors" ON)
option(TWINSIM_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(TWINSIM_COVERAGE "Build with coverage counters" OFF)
option(TWINSIM_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

add_library(twinsim_flags INTERFACE)
target_compile_features(twinsim_flags INTERFACE c_std_11)
target_compile_definitions(twinsim_flags INTERFACE _GNU_SOURCE TWINSIM_VERSION="${PROJECT_VERSION}")
target_compile_options(twinsim_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef
  $<$<BOOL:${TWINSIM_WERROR}>:-Werror>)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(TWINSIM_SANITIZE)
  target_compile_options(twinsim_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(twinsim_flags INTERFACE -fsanitize=address,undefined)
endif()
if(TWINSIM_COVERAGE)
  target_compile_options(twinsim_flags INTERFACE --coverage)
  target_link_options(twinsim_flags INTERFACE --coverage)
endif()
if(TWINSIM_FUZZ)
  target_compile_options(twinsim_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
