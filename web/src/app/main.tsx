import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { sessionKey } from "@/features/session/queries";
import { StreamSlot } from "@/live/slot";
import { createReachability } from "@/rpc/reachability";
import { createTransport } from "@/rpc/transport";
import "@/theme/base.css";
import { App } from "./app";
import { Build } from "./build";
import { createQueryClient } from "./query-client";
import { createAppRouter } from "./router";

// What public/recover.js counts: this document has all it needs.
try {
  sessionStorage.removeItem("postrider.starts");
} catch {
  // Storage is blocked: then nothing was counted.
}

const queries = createQueryClient();
const reachability = createReachability();
const transport = createTransport({
  reachability,
  onSignedOut: () => queries.setQueryData(sessionKey, null),
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App
      transport={transport}
      queries={queries}
      reachability={reachability}
      router={createAppRouter()}
      slot={new StreamSlot()}
      build={new Build()}
    />
  </StrictMode>,
);
