import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { EmptyState } from "@/ui/states";
import { useTitle } from "./title";

export function NotFound() {
  useTitle("Page not found");
  return (
    <Page title="Nothing here">
      <EmptyState title="Page not found">
        <p>
          There is no page at this address. <Link to="/overview">Go to the overview</Link>.
        </p>
      </EmptyState>
    </Page>
  );
}

/** A fault of the page itself. */
export function Crash({ error }: ErrorComponentProps) {
  return (
    <Page title="This page failed">
      <EmptyState title="An error occurred in the page itself">
        <p>
          <code>{error instanceof Error ? error.message : String(error)}</code>
        </p>
        <p>
          <Button kind="main" icon="retry" onClick={() => window.location.reload()}>
            Reload the page
          </Button>
        </p>
      </EmptyState>
    </Page>
  );
}
