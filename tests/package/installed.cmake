# Installs into a folder of its own, then builds and runs samples against it with find_package and with pkg-config.
set(PREFIX ${WORK}/prefix)
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX})
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${PREFIX} -DSAMPLE=${SAMPLE})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/basic ${MODEL} "Hello")

file(GLOB_RECURSE PC ${PREFIX}/*/ingot.pc)
get_filename_component(PC_DIR ${PC} DIRECTORY)
get_filename_component(LIB_DIR ${PC_DIR} DIRECTORY)
run(${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${PC_DIR} sh -c
  "c++ -std=c++20 ${SAMPLE}/chat.cc -o ${WORK}/chat $(pkg-config --define-variable=prefix=${PREFIX} --cflags --libs ingot) -Wl,-rpath,${LIB_DIR}")
run(${WORK}/chat ${MODEL} "Hello")
