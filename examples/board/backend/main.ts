// Starts the board: its backend and, unless POSTRIDER_URL names one, a Postrider with some orders. `make board` runs it.
import { createBackend } from "./backend";
import { startPostrider } from "./postrider";
import { seed } from "./seed";

const {
  POSTRIDER_URL,
  POSTRIDER_API_KEY = "",
  POSTRIDER_LISTEN = "127.0.0.1:8082",
  BOARD_PORT = "8091",
} = process.env;

const access = POSTRIDER_URL
  ? { url: POSTRIDER_URL, key: POSTRIDER_API_KEY }
  : await startPostrider(POSTRIDER_LISTEN, [
      `http://127.0.0.1:${BOARD_PORT}`,
      `http://localhost:${BOARD_PORT}`,
    ]);
if (!POSTRIDER_URL) await seed(access);

createBackend({ ...access, page: `${import.meta.dirname}/../page` })
  .on("error", ({ message }) => {
    console.error(`the board: ${message} (BOARD_PORT sets another port)`);
    process.exitCode = 1;
    process.kill(process.pid, "SIGTERM");
  })
  .listen(Number(BOARD_PORT), "127.0.0.1", () => {
    console.log(`The order board is at http://127.0.0.1:${BOARD_PORT}/`);
  });
