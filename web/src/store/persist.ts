/** How waits between two tries grow: fast enough to notice a restart, rarely enough for a server that is starting. */
const firstMs = 1000;
const longestMs = 15_000;

/**
 * Tries until a try returns true or the returned function is called. The waits grow and vary, so that pages do not come
 * back in step. A hidden tab does not try; it tries at once when it is shown, or when the network is back.
 */
export function persist(attempt: () => Promise<boolean>): () => void {
  let tries = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isBusy = false;
  let isOver = false;
  const stop = () => {
    isOver = true;
    clearTimeout(timer);
    window.removeEventListener("online", now);
    document.removeEventListener("visibilitychange", now);
  };
  const now = async () => {
    clearTimeout(timer);
    if (isBusy || document.visibilityState === "hidden") return;
    isBusy = true;
    const isDone = await attempt().catch(() => false);
    isBusy = false;
    if (isOver) return;
    if (isDone) stop();
    else wait();
  };
  const wait = () => {
    const most = Math.min(longestMs, firstMs * 2 ** tries++);
    timer = setTimeout(now, most * (0.5 + Math.random() / 2));
  };
  window.addEventListener("online", now);
  document.addEventListener("visibilitychange", now);
  wait();
  return stop;
}
