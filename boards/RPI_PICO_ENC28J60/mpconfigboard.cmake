# A Raspberry Pi Pico with an ENC28J60 on SPI0. MICROPY_PY_LWIP stays off, as for every Pico without
# radio: uipy is the only stack in the image.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
