# Headers that take seconds to read, compiled once: ingot_precompile(TARGET KIND) for KIND base, mlir or test.
# Without them (-DINGOT_PRECOMPILE=OFF) every file proves that it includes what it uses.
set(INGOT_BASE_HEADERS <algorithm> <array> <atomic> <charconv> <cmath> <cstdint> <cstring> <filesystem> <fstream> <functional> <map> <memory>
  <optional> <set> <span> <string> <string_view> <unordered_map> <variant> <vector> <fmt/format.h> <fmt/ranges.h> <nlohmann/json.hpp>)
set(INGOT_MLIR_HEADERS ${INGOT_BASE_HEADERS} <llvm/ADT/TypeSwitch.h> <mlir/Bytecode/BytecodeOpInterface.h> <mlir/Dialect/Func/IR/FuncOps.h>
  <mlir/IR/Builders.h> <mlir/IR/BuiltinOps.h> <mlir/IR/DialectImplementation.h> <mlir/IR/IRMapping.h> <mlir/IR/OpImplementation.h>
  <mlir/IR/PatternMatch.h> <mlir/IR/Verifier.h> <mlir/Pass/PassManager.h>)
set(INGOT_TEST_HEADERS ${INGOT_BASE_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)

function(ingot_precompiled kind)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled/${kind}.cc "")
  add_library(ingot_precompiled_${kind} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/precompiled/${kind}.cc)
  target_link_libraries(ingot_precompiled_${kind} PRIVATE ingot_options ingot_fmt nlohmann_json::nlohmann_json ${ARGN})
  string(TOUPPER ${kind} upper)
  target_precompile_headers(ingot_precompiled_${kind} PRIVATE ${INGOT_${upper}_HEADERS})
endfunction()

function(ingot_precompile target kind)
  if(INGOT_PRECOMPILE AND TARGET ingot_precompiled_${kind})
    target_precompile_headers(${target} REUSE_FROM ingot_precompiled_${kind})
  endif()
endfunction()

if(INGOT_PRECOMPILE)
  ingot_precompiled(base)
  if(INGOT_BUILD_COMPILER)
    ingot_precompiled(mlir)
    target_include_directories(ingot_precompiled_mlir SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  endif()
  if(INGOT_BUILD_TESTS)
    ingot_precompiled(test GTest::gmock)
    # As executables are compiled.
    set_target_properties(ingot_precompiled_test PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(ingot_precompiled_test PRIVATE -fPIE)
  endif()
endif()
