# Fails when docs/isa.md is not what the generator prints from the table.
execute_process(COMMAND ${PYTHON} ${GENERATOR} docs ${TABLE} OUTPUT_VARIABLE expected COMMAND_ERROR_IS_FATAL ANY)
file(READ ${PAGE} found)
if(NOT expected STREQUAL found)
  message(FATAL_ERROR "docs/isa.md is stale: run tools/generate_isa.py docs tessera/isa/instructions.csv > docs/isa.md")
endif()
