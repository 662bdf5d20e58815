import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { DeliveriesPage, type DeliveryFilter } from "@/features/deliveries/deliveries-page";
import { readState } from "@/features/deliveries/state-filter";
import { useTitle } from "../title";

const deliveries = getRouteApi("/deliveries");

export function DeliveriesRoute() {
  useTitle("Deliveries");
  const { state, subscription = "", types = "", delivery } = deliveries.useSearch();
  const navigate = useNavigate();
  const change = (filter: Partial<DeliveryFilter>) =>
    void navigate({ to: ".", search: (search) => ({ ...search, ...filter }), replace: true });
  return (
    <DeliveriesPage
      filter={{ state: readState(state), subscription, types }}
      openId={delivery}
      onChange={change}
    />
  );
}
