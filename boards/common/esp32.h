// What every board of ours with an ESP32 has in common. TLS, WebSocket and WebREPL are on with the port's own network.

#define MICROPY_HW_MCU_NAME             "ESP32"
#define MICROPY_PY_BLUETOOTH            (0)

// IDF's drivers for Ethernet chips: ours has the chip.
#define MICROPY_PY_NETWORK_LAN          (0)

// The C stack. A library that waits for its socket, and a poll with its callbacks on top, take 8.4 kB of a Cortex-M0
// (docs/loop.md); a frame of this processor has room for 16 registers whether it uses them or not.
#define MICROPY_TASK_STACK_SIZE         (24 * 1024)
