import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { useRevealSecret } from "./queries";

/** The signing secret, hidden until someone asks for it. */
export function Secret({ subscriptionId }: { subscriptionId: string }) {
  const { tenant } = useAccess();
  const reveal = useRevealSecret();
  if (reveal.data) {
    return (
      <>
        <code>{reveal.data.secret}</code> <CopyButton text={reveal.data.secret} />
        <Button kind="quiet" onClick={() => reveal.reset()}>
          Hide
        </Button>
      </>
    );
  }
  return (
    <>
      <Button
        kind="quiet"
        icon="eye"
        busy={reveal.isPending}
        onClick={() => reveal.mutate({ tenant, id: subscriptionId })}
      >
        Reveal secret
      </Button>
      {reveal.isError && <span role="alert">{readFault(reveal.error).message}</span>}
    </>
  );
}
