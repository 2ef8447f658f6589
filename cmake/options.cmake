# Compile options of every target of ours. `ingot_library(NAME SOURCES... DEPENDS ...)` makes one static library; PRECOMPILED as in
# precompiled.cmake, base if nothing is said.
add_library(ingot_options INTERFACE)
target_include_directories(ingot_options INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>)
target_compile_definitions(ingot_options INTERFACE INGOT_VERSION="${PROJECT_VERSION}")
target_compile_options(ingot_options INTERFACE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<COMPILE_LANGUAGE:CXX>>:-fpch-preprocess>  # what ccache needs beside precompiled headers
  # GCC 12 sees overlaps in std::string that are not there.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(INGOT_SANITIZE)
  target_compile_options(ingot_options INTERFACE -fsanitize=${INGOT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(ingot_options INTERFACE -fsanitize=${INGOT_SANITIZE})
endif()
if(INGOT_BUILD_FUZZERS)
  target_compile_options(ingot_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(ingot_options INTERFACE -fsanitize=address,undefined)
endif()

function(ingot_library name)
  cmake_parse_arguments(ARG "" "PRECOMPILED" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_PRECOMPILED)
    set(ARG_PRECOMPILED base)
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ingot_options ${ARG_DEPENDS})
  ingot_precompile(${name} ${ARG_PRECOMPILED})
endfunction()

# One GoogleTest program, registered with ctest.
function(ingot_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ingot_options ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE INGOT_SOURCE_DIR="${PROJECT_SOURCE_DIR}" INGOT_BINARY_DIR="${PROJECT_BINARY_DIR}")
  ingot_precompile(${name} test)
  add_test(NAME ${name} COMMAND ${name})
  if(ARG_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()
