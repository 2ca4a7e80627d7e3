# The applications: HTTP, echo, discard, chargen, daytime, in one module. They need core.py.
package("uipy", ["apps.py"], base_path="../../build/parts/viper", opt=3)
