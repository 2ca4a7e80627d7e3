// Runs a script on 32-bit MicroPython (WebAssembly), where objects have the size that they have on a board.
//
//   node tools/wasm/run.mjs [--heap BYTES] [--add HOST_PATH=PATH]... script.py [argument]...
//
// --add copies a file or a folder of the host into the file system that the script sees; what lies in /lib can be
// imported. A folder keeps its Python files only. An uncaught exception ends with status 1.
//
// The collector of this build waits until no Python code runs. A script is therefore run in parts, split at lines that
// begin with '# %%'; what gc.collect() was called for in one part is done before the next. A part that begins with
// '# %% while NAME' is run again as long as the variable NAME is true.

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import process from 'node:process';

const PACKAGE = '@micropython/micropython-webassembly-pyscript/micropython.mjs';

function options(argv) {
    const found = { heap: 4 << 20, add: [], script: null, args: [] };
    while (argv.length && argv[0].startsWith('--')) {
        const [name, value] = argv.splice(0, 2);
        if (name === '--heap') found.heap = Number(value);
        else if (name === '--add') found.add.push(value.split('='));
        else throw new Error(`unknown option ${name}`);
    }
    [found.script, ...found.args] = argv;
    return found;
}

function copyIn(fs, host, path) {
    if (!statSync(host).isDirectory()) {
        fs.mkdirTree(posix.dirname(path));
        fs.writeFile(path, readFileSync(host));
        return;
    }
    for (const name of readdirSync(host)) {
        const inside = join(host, name);
        if (statSync(inside).isDirectory() ? name !== '__pycache__' : /\.m?py$/.test(name)) {
            copyIn(fs, inside, posix.join(path, name));
        }
    }
}

const { heap, add, script, args } = options(process.argv.slice(2));
if (!script || !existsSync(script)) {
    console.error('usage: run.mjs [--heap BYTES] [--add HOST_PATH=PATH]... script.py [argument]...');
    process.exit(2);
}
const { loadMicroPython } = await import(PACKAGE);
const mp = await loadMicroPython({ heapsize: heap, linebuffer: true, stdout: (line) => console.log(line) });
for (const [host, path] of add) copyIn(mp.FS, host, path);
try {
    mp.runPython('import sys\nsys.path[:] = ["", "/lib"]\ndel sys');
    mp.globals.set('__name__', '__main__');
    mp.runPython(`import sys\nsys.argv[:] = ${JSON.stringify([script, ...args])}\ndel sys`);
    const [first, ...parts] = readFileSync(script, 'utf8').split(/^# %%/m);
    mp.runPython(first);
    for (const part of parts) {
        const again = /^ while (\w+)$/m.exec(part.split('\n', 1)[0]);
        do mp.runPython(`#${part}`);
        while (again && mp.globals.get(again[1]));
    }
} catch (error) {
    console.error(String(error.message ?? error));
    process.exitCode = 1;
}
