package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/e2e/tally"
)

const (
	kills      = 20
	publishers = 16
	// resumeWithin bounds the time from ready to the first delivery.
	resumeWithin = 2 * time.Second
	// drainWithin bounds the time from the last publish to the last delivery: a breaker's waits and a ramp, and what a busy
	// machine adds.
	drainWithin = 3 * time.Minute
	// answersWithin is how long an attempt waits for an endpoint that answers.
	answersWithin = 10 * time.Second
)

// interest is one subscription of the crash test, with its endpoint.
type interest struct {
	name        string
	patterns    []string
	start       string
	concurrency int32
	timeout     time.Duration
	receiver    *receiver
	id          string
}

// TestCrash kills the server at random moments under load. Every acknowledged event must arrive wherever it should, at
// most the attempts that were under way may come twice, and a stream that resumes by cursor must see the log.
func TestCrash(t *testing.T) {
	seed := newSeed(t)
	c := newCrash(t, seed)
	c.server.mustStart()
	c.create(c.healthy, c.flaky, c.swallowing, c.paused, c.slow)

	stop := make(chan struct{})
	following, stopFollowing := context.WithCancel(t.Context())
	var loaders, followers sync.WaitGroup
	loaders.Go(func() { c.load.run(t.Context(), stop, seed, publishers) })
	followers.Go(func() { c.follower.run(following) })

	random := newRandom(seed, 0)
	for kill := range kills {
		c.killAndRestart(kill, 200*time.Millisecond+time.Duration(random.Int64N(int64(1300*time.Millisecond))))
	}
	c.awaitResumption()
	swallowed := c.healSwallowing()
	close(stop)
	loaders.Wait()
	c.awaitDrained()
	c.awaitFollower()
	stopFollowing()
	followers.Wait()
	c.check(seed, swallowed)
}

// crash is the world of the test.
type crash struct {
	t        *testing.T
	server   *server
	client   *client
	load     *load
	follower *follower

	healthy, flaky, swallowing, paused, late, slow *interest
	// resumptions is how long after ready the first delivery came, for each start.
	resumptions []time.Duration
	// takenWhilePaused is how many events the paused one had when the server was killed for the first time since.
	takenWhilePaused int
	created          []*interest
}

func newCrash(t *testing.T, seed uint64) *crash {
	s := newServer(t)
	c := &crash{t: t, server: s, client: newClient(s)}
	c.load = &load{client: c.client, pause: 30 * time.Millisecond, padding: 400}
	c.follower = &follower{client: newClient(s), types: []string{"*"}}
	c.healthy = newInterest(t, "healthy", 16, jittered(newRandom(seed, 1), 4*time.Millisecond), "*")
	c.flaky = newInterest(t, "flaky", 8, failing(newRandom(seed, 2)), "order.*")
	c.swallowing = newInterest(t, "swallowing", 8, answerOK, "stock.*")
	c.swallowing.timeout = time.Second
	c.swallowing.receiver.listener.swallow()
	c.paused = newInterest(t, "paused", 16, answerOK, "*")
	c.slow = newInterest(t, "slow", 8, sometimesSlow(newRandom(seed, 3), 20), "page.viewed", "stock.counted")
	c.late = newInterest(t, "late", 16, answerOK, "*")
	c.late.start = "earliest"
	return c
}

func newInterest(t *testing.T, name string, concurrency int32, answer func() (int, time.Duration), patterns ...string) *interest {
	return &interest{
		name: name, patterns: patterns, concurrency: concurrency, timeout: answersWithin, receiver: newReceiver(t, answer),
	}
}

func (c *crash) create(interests ...*interest) {
	c.t.Helper()
	for _, i := range interests {
		// A schedule that no event uses up.
		schedule := slices.Repeat([]*durationpb.Duration{durationpb.New(200 * time.Millisecond)}, 50)
		response, err := c.client.subscriptions.CreateSubscription(c.t.Context(), connect.NewRequest(&postriderv1.CreateSubscriptionRequest{
			Subscription: &postriderv1.Subscription{
				Name: i.name, Start: i.start, Secret: i.receiver.secret.Reveal(),
				Filter: &postriderv1.Filter{Types: i.patterns},
				Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{Url: i.receiver.url}}},
				Policy: &postriderv1.DeliveryPolicy{
					RetrySchedule: schedule, Concurrency: i.concurrency, Timeout: durationpb.New(i.timeout),
				},
			},
		}))
		if err != nil {
			c.t.Fatalf("create %s: %v", i.name, err)
		}
		i.id = response.Msg.GetSubscription().GetId()
		c.created = append(c.created, i)
	}
}

// killAndRestart lets the server work for a while after its first delivery and kills it. What else happens in mid-run
// hangs on the number of the kill.
func (c *crash) killAndRestart(kill int, after time.Duration) {
	c.t.Helper()
	c.awaitResumption()
	switch kill {
	case kills / 4:
		c.pauseInterest()
	case kills / 2:
		c.create(c.late)
	case kills * 3 / 4:
		c.resumeInterest()
	}
	pause(c.t.Context(), after)
	c.server.kill()
	eventually(c.t, patience, "the requests of the dead server have ended", func() bool {
		return !slices.ContainsFunc(c.created, func(i *interest) bool { return !i.receiver.quiet() })
	})
	if kill == kills/4 { // Attempts under way have arrived by now.
		c.takenWhilePaused, _ = c.paused.receiver.ledger.size()
	}
	for _, i := range c.created {
		i.receiver.ledger.nextLife()
	}
	// Those created later have to agree on the number of the life.
	if !slices.Contains(c.created, c.late) {
		c.late.receiver.ledger.nextLife()
	}
	c.server.mustStart()
}

// awaitResumption waits for the first delivery since the start.
func (c *crash) awaitResumption() {
	c.t.Helper()
	ready := c.server.current().ready
	ledger := c.healthy.receiver.ledger
	eventually(c.t, patience, "delivery resumes", func() bool { return !ledger.firstArrival().IsZero() })
	c.resumptions = append(c.resumptions, max(0, ledger.firstArrival().Sub(ready)))
}

func (c *crash) pauseInterest() {
	c.t.Helper()
	_, err := c.client.subscriptions.PauseSubscription(c.t.Context(), connect.NewRequest(&postriderv1.PauseSubscriptionRequest{Id: c.paused.id}))
	if err != nil {
		c.t.Fatalf("pause: %v", err)
	}
}

func (c *crash) resumeInterest() {
	c.t.Helper()
	if n, _ := c.paused.receiver.ledger.size(); n != c.takenWhilePaused {
		c.t.Errorf("%d deliveries while paused", n-c.takenWhilePaused)
	}
	_, err := c.client.subscriptions.ResumeSubscription(c.t.Context(), connect.NewRequest(&postriderv1.ResumeSubscriptionRequest{Id: c.paused.id}))
	if err != nil {
		c.t.Fatalf("resume: %v", err)
	}
}

// healSwallowing lets the swallowing endpoint answer, and returns how many connections it had swallowed. From then on its
// attempts wait for as long as the others': one that is given up while it is answered comes twice.
func (c *crash) healSwallowing() int {
	c.t.Helper()
	_, err := c.client.subscriptions.UpdateSubscription(c.t.Context(), connect.NewRequest(&postriderv1.UpdateSubscriptionRequest{
		Subscription: &postriderv1.Subscription{
			Id: c.swallowing.id, Policy: &postriderv1.DeliveryPolicy{Timeout: durationpb.New(answersWithin)},
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"policy.timeout"}},
	}))
	if err != nil {
		c.t.Fatalf("update: %v", err)
	}
	return c.swallowing.receiver.listener.heal()
}

// awaitDrained waits until each endpoint has every acknowledged event that it should; check says which has not.
func (c *crash) awaitDrained() {
	acked, _ := c.load.snapshot()
	deadline := time.Now().Add(drainWithin)
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for _, i := range c.created {
		for ids := idsOf(acked, i.patterns...); i.receiver.ledger.missing(ids) > 0 && time.Now().Before(deadline); {
			<-poll.C
		}
	}
}

func (c *crash) awaitFollower() {
	c.t.Helper()
	want := len(c.client.log(c.t))
	eventually(c.t, patience, "the follower reaches the end of the log", func() bool { return c.follower.length() >= want })
}

func (c *crash) check(seed uint64, swallowed int) {
	c.t.Helper()
	acked, refused := c.load.snapshot()
	if refused != nil {
		c.t.Errorf("a publisher was refused: %v", refused)
	}
	log := c.checkLog(acked)
	c.checkFollower(log)
	c.checkAnotherReading(log)
	if swallowed == 0 {
		c.t.Error("the swallowing endpoint swallowed nothing")
	}
	slowest := slices.Max(c.resumptions)
	if slowest > resumeWithin {
		c.t.Errorf("delivery resumed %v after the server was ready, at most %v is allowed", slowest, resumeWithin)
	}
	var lines []string
	for _, i := range c.created {
		lines = append(lines, c.checkInterest(i, acked))
	}
	tally.Print(c.t, "seed=%d kills=%d publishers=%d acknowledged=%d repeated=%d retried=%d swallowed=%d streams=%d resumed_within=%v | %s",
		seed, kills, publishers, len(acked), c.load.repeated, c.load.retried, swallowed, c.follower.connects,
		slowest.Round(time.Millisecond), strings.Join(lines, " | "))
}

// checkInterest holds one ledger against what was acknowledged.
func (c *crash) checkInterest(i *interest, acked []published) string {
	c.t.Helper()
	ledger := i.receiver.ledger
	ids := idsOf(acked, i.patterns...)
	missing := ledger.missing(ids)
	if missing > 0 {
		c.t.Errorf("%s: %d of %d acknowledged events never arrived", i.name, missing, len(ids))
	}
	events, refused := ledger.size()
	if events != len(ids)-missing {
		c.t.Errorf("%s: %d events arrived that should not have", i.name, events-len(ids)+missing)
	}
	perKill, unexcused := ledger.duplicates()
	total, most := 0, 0
	for kill, n := range perKill {
		total, most = total+n, max(most, n)
		if n > int(i.concurrency) {
			c.t.Errorf("%s: kill %d made %d duplicates, at most %d attempts were under way", i.name, kill+1, n, i.concurrency)
		}
	}
	if unexcused > 0 {
		c.t.Errorf("%s: %d duplicates without a kill", i.name, unexcused)
	}
	if n := i.receiver.badSignatures(); n > 0 {
		c.t.Errorf("%s: %d requests with a bad signature", i.name, n)
	}
	if ledger.mismatch != "" {
		c.t.Errorf("%s: header and body disagree: %s", i.name, ledger.mismatch)
	}
	return fmt.Sprintf("%s: expected=%d missing=%d duplicates=%d worst_kill=%d/%d refused=%d",
		i.name, len(ids), missing, total, most, i.concurrency, refused)
}

// checkLog returns the ids of the log, which must hold exactly what was acknowledged.
func (c *crash) checkLog(acked []published) []string {
	c.t.Helper()
	content := map[string]string{}
	for _, event := range acked {
		content[event.id] = event.data
	}
	var ids []string
	for _, event := range c.client.log(c.t) {
		ids = append(ids, event.GetId())
		if data, ok := content[event.GetId()]; !ok || data != event.GetJsonData() {
			c.t.Errorf("%s is in the log otherwise than acknowledged: %s", event.GetId(), event.GetJsonData())
		}
		delete(content, event.GetId())
	}
	if len(content) > 0 {
		c.t.Errorf("%d acknowledged events are not in the log", len(content))
	}
	return ids
}

// checkFollower holds the stream that went on across the kills against the log: no gap, no repeat, the same order.
func (c *crash) checkFollower(log []string) {
	c.t.Helper()
	if !slices.Equal(c.follower.seen, log) {
		c.t.Errorf("the resuming stream saw %d events, the log has %d: %s", len(c.follower.seen), len(log), firstDifference(c.follower.seen, log))
	}
	if len(c.follower.gaps) > 0 {
		c.t.Errorf("the resuming stream was told of gaps: %v", c.follower.gaps)
	}
	if c.follower.connects <= kills {
		c.t.Errorf("%d streams for %d kills", c.follower.connects, kills)
	}
}

// checkAnotherReading reads the log a second way, by a stream from the earliest event.
func (c *crash) checkAnotherReading(log []string) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	reader := &follower{client: c.client, types: []string{"*"}}
	var running sync.WaitGroup
	running.Go(func() { reader.run(ctx) })
	eventually(c.t, patience, "a stream from the earliest event reaches the end", func() bool { return reader.length() >= len(log) })
	cancel()
	running.Wait()
	if !slices.Equal(reader.seen, log) {
		c.t.Errorf("a stream from the earliest event differs from the list: %s", firstDifference(reader.seen, log))
	}
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("at %d %s instead of %s", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("the first %d are the same", min(len(got), len(want)))
}
