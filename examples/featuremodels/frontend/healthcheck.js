// The image has no curl.
const url = `http://127.0.0.1:${process.env.PORT}/healthz`;
require("node:http")
  .get(url, { timeout: 3000 }, (response) => process.exit(response.statusCode === 200 ? 0 : 1))
  .on("timeout", () => process.exit(1))
  .on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
