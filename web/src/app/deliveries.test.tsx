import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { AttemptOutcome, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { FakeServer } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

function withDead(count: number): FakeServer {
  const server = new FakeServer();
  for (let n = 1; n <= count; n++) {
    server.putDelivery({
      id: `dlv_${n}`,
      subscriptionName: "billing",
      eventId: `evt_${n}`,
      eventType: "order.created",
      eventSubject: `subject-${n}`,
      cursor: `c${n}`,
      state: DeliveryState.DEAD,
      attemptCount: 3,
      lastAttempt: {
        outcome: AttemptOutcome.EVENT_FAILURE,
        response: { statusCode: 400 },
      },
    });
  }
  return server;
}

const box = (n: number) => screen.findByRole("checkbox", { name: `Select order.created evt_${n}` });

it("deliveries have columns, and many are retried with what came of each", async () => {
  const server = withDead(5);
  const { user } = renderApp(server, "/deliveries?state=DEAD");
  const row = await screen.findByRole("row", { name: /subject-5/ });
  for (const text of ["Dead", "evt_5", "billing", "400 Refused"])
    expect(row.textContent).toContain(text);

  await user.click(await box(5));
  await user.keyboard("{Shift>}");
  await user.click(await box(3));
  await user.keyboard("{/Shift}");
  await user.click(screen.getByRole("button", { name: "Retry 3 selected" }));
  await screen.findByText("3 retried.");
  expect(server.calls.map(({ request }) => request).sort()).toEqual(["dlv_3", "dlv_4", "dlv_5"]);

  server.failWith("RetryDelivery", new ConnectError("it was delivered", Code.FailedPrecondition));
  await user.click(screen.getByRole("button", { name: "Select all shown" }));
  await user.click(screen.getByRole("button", { name: "Retry 5 selected" }));
  await screen.findByText(/^0 retried, 5 refused: .*it was delivered.* \(5\)\.$/i);
});

it("a delivery that leaves the chosen state leaves the list, unless it is selected", async () => {
  const server = withDead(2);
  const { user } = renderApp(server, "/deliveries?state=DEAD");
  await box(1);
  await screen.findByText("Live");
  const first = server.deliveries.find(({ id }) => id === "dlv_1");
  const second = server.deliveries.find(({ id }) => id === "dlv_2");
  if (!first || !second) throw new Error("no deliveries");
  await user.keyboard("jx");
  expect((await box(2)) as HTMLInputElement).toHaveProperty("checked", true);
  for (const delivery of [first, second]) {
    server.putDelivery({
      ...delivery,
      state: DeliveryState.RETRYING,
      updateTime: timestampFromMs(9000),
    });
  }
  await screen.findByText("(no longer in the chosen state)");
  await waitFor(() => expect(screen.queryByText("subject-1")).toBeNull());
  screen.getByText("subject-2");
});
