// Node's own server, on every address of the machine.
const version = require("fs").readFileSync("version.txt");
require("http").createServer((_, response) => response.end(version)).listen(Number(process.argv[2]));
