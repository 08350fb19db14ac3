// A server on a Unix socket. Node binds it as it is, and removes the file when the server is closed.
const fs = require("node:fs");
const http = require("node:http");

const version = fs.readFileSync("version.txt");
const server = http.createServer((_, response) => response.end(version));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
server.listen(process.argv[2]);
