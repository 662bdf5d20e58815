import { Page } from "@/ui/page";
import { DeliveryList } from "./delivery-list";
import { StateFilter, type StateName, statesOf } from "./state-filter";

interface Props {
  /** Which deliveries: those in one state, or all. */
  state: StateName | undefined;
  openId: string | undefined;
  onChoose: (state: StateName | undefined) => void;
}

/** The deliveries of the tenant, whichever subscription they are for. */
export function DeliveriesPage({ state, openId, onChoose }: Props) {
  return (
    <Page title="Deliveries" actions={<StateFilter chosen={state} onChoose={onChoose} />}>
      <DeliveryList
        states={statesOf(state)}
        openId={openId}
        empty={state ? "No delivery is in this state." : "No deliveries yet."}
      />
    </Page>
  );
}
