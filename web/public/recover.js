// A server that restarts may send the index and then not the scripts that it names. Without them the page would stay white: it
// is loaded again as soon as the server has them. The page itself ends the count of such tries when it starts.
(() => {
  const countKey = "postrider.starts";
  const [firstMs, longestMs, limitMs] = [1000, 60000, 5000];
  let isTrying = false;

  addEventListener(
    "error",
    ({ target }) => {
      if (isTrying || !(target instanceof HTMLScriptElement) || target.type !== "module") return;
      isTrying = true;
      const root = document.getElementById("root");
      if (root)
        root.textContent =
          "The server sent only a part of this page. It is loaded again as soon as that helps.";
      wait(target.getAttribute("src"));
    },
    true,
  );

  function wait(script) {
    const count = countTries();
    const most = Math.min(longestMs, firstMs * 2 ** count);
    setTimeout(() => retry(script), most * (0.5 + Math.random() / 2));
  }

  function countTries() {
    try {
      const count = Number(sessionStorage.getItem(countKey)) || 0;
      sessionStorage.setItem(countKey, String(Math.min(count + 1, 10)));
      return count;
    } catch {
      return 10;
    }
  }

  async function retry(script) {
    // The script may have another name by then: any index will do once this one's script is there or gone for good.
    const states = await Promise.all([ask("/"), ask(script)]);
    if (states[0] === 200 && (states[1] === 200 || states[1] === 404)) location.reload();
    else wait(script);
  }

  function ask(path) {
    const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(limitMs) };
    return fetch(path, { ...options, headers: { Accept: "text/html" } }).then(
      ({ status }) => status,
      () => 0,
    );
  }
})();
