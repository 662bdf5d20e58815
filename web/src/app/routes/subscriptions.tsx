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
import { useSubscription, useSubscriptionToEdit } from "@/features/subscriptions/queries";
import { SubscriptionDetail } from "@/features/subscriptions/subscription-detail";
import { SubscriptionsPage } from "@/features/subscriptions/subscriptions-page";
import { useTitle } from "../title";

const subscriptions = getRouteApi("/subscriptions");
const subscription = getRouteApi("/subscriptions/$subscriptionId");
const edit = getRouteApi("/subscriptions/$subscriptionId/edit");

export function SubscriptionsRoute() {
  useTitle("Subscriptions");
  return <SubscriptionsPage search={subscriptions.useSearch()} />;
}

export function NewSubscriptionRoute() {
  useTitle("New", "Subscriptions");
  return <NewSubscriptionPage />;
}

export function EditSubscriptionRoute() {
  const { subscriptionId } = edit.useParams();
  const { data } = useSubscriptionToEdit(subscriptionId);
  useTitle(data?.subscription && `Edit ${data.subscription.name}`, "Subscriptions");
  return <EditSubscriptionPage id={subscriptionId} />;
}

export function SubscriptionRoute() {
  const { subscriptionId } = subscription.useParams();
  const { data } = useSubscription(subscriptionId);
  useTitle(data?.subscription?.name, "Subscriptions");
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
