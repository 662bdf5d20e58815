import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { AttemptView } from "@/features/deliveries/attempt-view";
import { DeliveryList } from "@/features/deliveries/delivery-list";
import {
  readState,
  StateHeader,
  type StateName,
  statesOf,
} from "@/features/deliveries/state-filter";
import { EditSubscriptionPage, NewSubscriptionPage } from "@/features/subscriptions/edit-pages";
import { SubscriptionDetail } from "@/features/subscriptions/subscription-detail";
import { SubscriptionsPage } from "@/features/subscriptions/subscriptions-page";

const subscription = getRouteApi("/subscriptions/$subscriptionId");
const edit = getRouteApi("/subscriptions/$subscriptionId/edit");

export { NewSubscriptionPage as NewSubscriptionRoute, SubscriptionsPage as SubscriptionsRoute };

export function EditSubscriptionRoute() {
  const { subscriptionId } = edit.useParams();
  return <EditSubscriptionPage id={subscriptionId} />;
}

export function SubscriptionRoute() {
  const { subscriptionId } = subscription.useParams();
  const { state, delivery } = subscription.useSearch();
  const navigate = useNavigate();
  const chosen = readState(state);
  const choose = (name: StateName | undefined) =>
    void navigate({ to: ".", search: (search) => ({ ...search, state: name }), replace: true });
  return (
    <SubscriptionDetail
      id={subscriptionId}
      renderAttempt={(attempt) => <AttemptView attempt={attempt} isOpen />}
    >
      {(id) => (
        <section aria-label="Deliveries">
          <StateHeader chosen={chosen} onChoose={choose} />
          <DeliveryList
            subscription={id}
            states={statesOf(chosen)}
            openId={delivery}
            empty={chosen ? "No delivery is in this state." : "No deliveries yet."}
          />
        </section>
      )}
    </SubscriptionDetail>
  );
}
