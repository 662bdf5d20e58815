import { Link, useNavigate } from "@tanstack/react-router";
import type { Subscription } from "#gen/postrider/v1/subscription_pb";
import { useDropDraft } from "@/rpc/draft";
import { useAccess } from "@/rpc/session";
import { buttonClass } from "@/ui/button";
import { Page } from "@/ui/page";
import { ErrorState, Skeleton } from "@/ui/states";
import { createRequest, emptyForm, formOf, updateRequest } from "./form-state";
import { useCreateSubscription, useSubscriptionToEdit, useUpdateSubscription } from "./queries";
import { SubscriptionForm } from "./subscription-form";

const newDraft = "new subscription";

export function NewSubscriptionPage() {
  const drop = useDropDraft(newDraft);
  const { tenant } = useAccess();
  const navigate = useNavigate();
  const create = useCreateSubscription();
  return (
    <Page title="New subscription">
      <SubscriptionForm
        draft={newDraft}
        initial={emptyForm}
        isNew
        call={create}
        onSubmit={(form) =>
          create.mutate(createRequest(form, tenant), {
            onSuccess: ({ subscription }) => {
              drop();
              void navigate({
                to: "/subscriptions/$subscriptionId",
                params: { subscriptionId: subscription?.id ?? "" },
                search: keepTenant,
                ignoreBlocker: true,
              });
            },
          })
        }
        cancel={
          <Link
            to="/subscriptions"
            search={keepTenant}
            ignoreBlocker
            className={buttonClass("quiet")}
            onClick={drop}
          >
            Cancel
          </Link>
        }
      />
    </Page>
  );
}

export function EditSubscriptionPage({ id }: { id: string }) {
  const query = useSubscriptionToEdit(id);
  const subscription = query.data?.subscription;
  return (
    <Page title={subscription ? `Edit ${subscription.name}` : "Edit"}>
      {query.isPending && <Skeleton rows={6} label="Loading the subscription" />}
      {query.isError && !subscription && (
        <ErrorState
          title="The subscription could not be loaded"
          cause={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {subscription && <EditForm key={String(subscription.revision)} subscription={subscription} />}
    </Page>
  );
}

function EditForm({ subscription }: { subscription: Subscription }) {
  const { tenant } = useAccess();
  const navigate = useNavigate();
  const update = useUpdateSubscription();
  const params = { subscriptionId: subscription.id };
  const draft = `subscription ${subscription.id} ${subscription.revision}`;
  const drop = useDropDraft(draft);
  return (
    <SubscriptionForm
      draft={draft}
      initial={formOf(subscription)}
      isNew={false}
      call={update}
      onSubmit={(form) =>
        update.mutate(updateRequest(form, tenant, subscription), {
          onSuccess: () => {
            drop();
            void navigate({
              to: "/subscriptions/$subscriptionId",
              params,
              search: keepTenant,
              ignoreBlocker: true,
            });
          },
        })
      }
      cancel={
        <Link
          to="/subscriptions/$subscriptionId"
          params={params}
          search={keepTenant}
          ignoreBlocker
          className={buttonClass("quiet")}
          onClick={drop}
        >
          Cancel
        </Link>
      }
    />
  );
}

function keepTenant({ tenant }: { tenant?: string }) {
  return { tenant };
}
