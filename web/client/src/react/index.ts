"use client";

export {
  type SubscriptionView,
  type UseSubscriptionOptions,
  useSubscription,
} from "./use-subscription.js";
