import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { DeliveriesPage } from "@/features/deliveries/deliveries-page";
import { readState, type StateName } from "@/features/deliveries/state-filter";
import { useTitle } from "../title";

const deliveries = getRouteApi("/deliveries");

export function DeliveriesRoute() {
  useTitle("Deliveries");
  const { state, delivery } = deliveries.useSearch();
  const navigate = useNavigate();
  const choose = (name: StateName | undefined) =>
    void navigate({ to: ".", search: (search) => ({ ...search, state: name }), replace: true });
  return <DeliveriesPage state={readState(state)} openId={delivery} onChoose={choose} />;
}
