# A Raspberry Pi Pico with an ENC28J60 on SPI0. MICROPY_PY_LWIP stays off, as for every Pico without
# radio: uipy is the only stack in the image.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)

# 16 kB of C stack instead of 8: a library that waits for its socket stands up to 4 kB deep, and a poll with
# its callbacks takes 4.4 kB more (docs/loop.md). MicroPython's own memory map with these numbers in it: the heap
# ends 8 kB earlier.
file(READ ${MICROPY_PORT_DIR}/memmap_mp_rp2040.ld UIPY_MEMMAP)
foreach(pair
    "LENGTH = 256k|LENGTH = 248k"
    "ORIGIN = 0x20040000|ORIGIN = 0x2003E000"
    "LENGTH = 8k|LENGTH = 16k"
    "SIZEOF(.stack_dummy)|LENGTH(SCRATCH_Y)"
)
    string(REPLACE "|" ";" pair "${pair}")
    list(GET pair 0 theirs)
    list(GET pair 1 ours)
    string(FIND "${UIPY_MEMMAP}" "${theirs}" found)
    if(found EQUAL -1)
        message(FATAL_ERROR "uipy: MicroPython's memory map has no '${theirs}': see boards/RPI_PICO_ENC28J60/mpconfigboard.cmake")
    endif()
    string(REPLACE "${theirs}" "${ours}" UIPY_MEMMAP "${UIPY_MEMMAP}")
endforeach()
set(MICROPY_BOARD_LINKER_SCRIPT ${CMAKE_BINARY_DIR}/memmap_16k_stack.ld)
file(WRITE ${MICROPY_BOARD_LINKER_SCRIPT} "${UIPY_MEMMAP}")
