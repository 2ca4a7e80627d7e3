# What every board of ours with an RP2040 or an RP2350 has in common; mpconfigboard.cmake of a board names its
# PICO_BOARD and PICO_PLATFORM, and includes this. MICROPY_PY_LWIP stays off, as for every Pico without radio:
# uipy is the only stack in the image.
get_filename_component(UIPY_COMMON ${CMAKE_CURRENT_LIST_DIR} ABSOLUTE)

# With UIPY_ROMFS the parts are not frozen: the image keeps a partition that they run from
# (`make firmware ROMFS=1`, then `make romfs`).
if(UIPY_ROMFS)
    set(MICROPY_FROZEN_MANIFEST ${UIPY_COMMON}/bare.py)
    list(APPEND MICROPY_DEF_BOARD UIPY_ROMFS=1)
else()
    set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
endif()

# 16 kB of C stack: a library that waits for its socket stands up to 4 kB deep, and a poll with its callbacks takes
# 4.4 kB more (docs/loop.md). MicroPython's own memory maps with other numbers in them. The RP2040's stack has
# 8 kB behind the heap, which ends 8 kB earlier; the RP2350's has 8 kB and the last 4 kB of the heap's memory.
if(PICO_PLATFORM STREQUAL "rp2040")
    set(UIPY_MAP memmap_mp_rp2040.ld)
    set(UIPY_CHANGES
        "LENGTH = 256k|LENGTH = 248k"
        "ORIGIN = 0x20040000|ORIGIN = 0x2003E000"
        "LENGTH = 8k|LENGTH = 16k"
        "SIZEOF(.stack_dummy)|LENGTH(SCRATCH_Y)"
    )
else()
    set(UIPY_MAP memmap_mp_rp2350.ld)
    set(UIPY_CHANGES "LENGTH(RAM) - __micropy_extra_stack__|LENGTH(RAM) - 8192")
endif()
file(READ ${MICROPY_PORT_DIR}/${UIPY_MAP} UIPY_MEMMAP)
foreach(pair ${UIPY_CHANGES})
    string(REPLACE "|" ";" pair "${pair}")
    list(GET pair 0 theirs)
    list(GET pair 1 ours)
    string(FIND "${UIPY_MEMMAP}" "${theirs}" found)
    if(found EQUAL -1)
        message(FATAL_ERROR "uipy: MicroPython's ${UIPY_MAP} has no '${theirs}': see boards/common/rp2.cmake")
    endif()
    string(REPLACE "${theirs}" "${ours}" UIPY_MEMMAP "${UIPY_MEMMAP}")
endforeach()
set(MICROPY_BOARD_LINKER_SCRIPT ${CMAKE_BINARY_DIR}/memmap_16k_stack.ld)
file(WRITE ${MICROPY_BOARD_LINKER_SCRIPT} "${UIPY_MEMMAP}")
