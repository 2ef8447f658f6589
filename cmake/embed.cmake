# Writes OUT: a table of the FILES below ROOT, each as a raw string.
file(WRITE ${OUT} "#include \"kernels/embedded.h\"\n\nnamespace ingot {\n\nconst EmbeddedFile kEmbeddedKernels[] = {\n")
set(count 0)
foreach(file ${FILES})
  file(READ ${ROOT}/${file} text)
  file(APPEND ${OUT} "{\"${file}\", R\"INGOT(${text})INGOT\"},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(APPEND ${OUT} "};\nconst int kEmbeddedKernelCount = ${count};\n\n}  // namespace ingot\n")
