import { useBlocker } from "@tanstack/react-router";
import { useRef } from "react";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";

/** Asks before the page is left while something is typed that the browser does not store. */
export function LeaveDialog({ isAsked }: { isAsked: boolean }) {
  const isLeaving = useRef(false);
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ current, next }) =>
      current.pathname !== next.pathname || current.search.tenant !== next.search.tenant,
    // A build that is new is loaded while the page is being left.
    enableBeforeUnload: () => !isLeaving.current,
    disabled: !isAsked,
    withResolver: true,
  });
  if (status !== "blocked") return null;
  return (
    <Dialog title="Leave this page?" onClose={reset}>
      <p>
        The path of the address, the values of headers and the secrets that you typed are not stored
        in the browser, and will be gone. Everything else will be here when you come back.
      </p>
      <Actions>
        <Button onClick={reset}>Stay</Button>
        <Button
          kind="danger"
          onClick={() => {
            isLeaving.current = true;
            proceed();
          }}
        >
          Leave
        </Button>
      </Actions>
    </Dialog>
  );
}
