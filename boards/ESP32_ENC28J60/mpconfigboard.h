#define MICROPY_HW_BOARD_NAME           "ESP32 with ENC28J60"
#include "../common/esp32.h"
