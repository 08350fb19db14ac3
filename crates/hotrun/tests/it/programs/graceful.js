// Finishes its requests when it is asked to end; a second request to end cuts them. `/slow` waits for the file `go`.
const fs = require("fs");
const version = fs.readFileSync("version.txt", "utf8");
let asked = 0;

const server = require("http").createServer((request, response) => {
  response.setHeader("Connection", "close");
  if (request.url !== "/slow") return response.end(version);
  console.log(`slow on ${version}`);
  const wait = setInterval(() => {
    if (!fs.existsSync("go")) return;
    clearInterval(wait);
    response.end(version);
  }, 5);
});

process.on("SIGTERM", () => {
  asked += 1;
  console.log(`asked to end ${version}`);
  if (asked > 1) process.exit(1);
  server.close();
});
server.listen(Number(process.argv[2]), "127.0.0.1");
