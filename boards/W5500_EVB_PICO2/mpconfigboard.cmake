# WIZnet's board with an RP2350, 2 MB of flash and LED on GPIO25; the SDK has one name for those with each chip.
set(PICO_BOARD "wiznet_w5100s_evb_pico2")
set(PICO_PLATFORM "rp2350")
include(${CMAKE_CURRENT_LIST_DIR}/../common/rp2.cmake)
