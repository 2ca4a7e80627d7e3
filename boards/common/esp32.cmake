# What every board of ours with an ESP32 has in common: the settings of MicroPython's ESP32_GENERIC, without
# Bluetooth, whose room the frozen parts take. IDF's own stack (lwIP) cannot be left out of an image for this chip; it
# sleeps as long as no program switches the radio on.
set(SDKCONFIG_DEFAULTS boards/sdkconfig.base)
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
