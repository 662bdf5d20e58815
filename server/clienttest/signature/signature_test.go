package signature_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	reference "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postrider-dev/postrider/client/signature"
)

// The example of the specification's reference libraries.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorSeconds   = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func secretOf(t testing.TB, text string) signature.Secret {
	t.Helper()
	secret, err := signature.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func headerOf(id string, at time.Time, signatures string) http.Header {
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("webhook-signature", signatures)
	return h
}

func TestSignKnownVector(t *testing.T) {
	t.Parallel()
	signer := signature.NewSigner(secretOf(t, vectorSecret))
	for range 3 { // the keyed state is used again
		got := signer.Sign(vectorID, time.Unix(vectorSeconds, 999), []byte(vectorBody))
		if got != vectorSignature {
			t.Fatalf("Sign = %q, want %q", got, vectorSignature)
		}
	}
}

func TestSignAgreesWithTheReferenceLibrary(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, size := range []int{0, 1, 63, 64, 65, 300, 4096, 1 << 20} {
		secret := signature.NewSecret()
		theirs, err := reference.NewWebhook(secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		id, body := fmt.Sprintf("evt_%d", size), bytes.Repeat([]byte("ä"), size)
		ours := signature.NewSigner(secret).Sign(id, now, body)
		if want, err := theirs.Sign(id, now, body); err != nil || ours != want {
			t.Errorf("%d: Sign = %q, the reference says %q, %v", size, ours, want, err)
		}
		if err := theirs.Verify(body, headerOf(id, now, ours)); err != nil {
			t.Errorf("%d: the reference refuses our signature: %v", size, err)
		}
		if err := signature.Verify([]signature.Secret{secret}, headerOf(id, now, ours), body, now); err != nil {
			t.Errorf("%d: Verify = %v", size, err)
		}
	}
}

func TestSignWithSeveralSecrets(t *testing.T) {
	t.Parallel()
	now, body := time.Now(), []byte(`{}`)
	older, newer := signature.NewSecret(), signature.NewSecret()
	signatures := signature.NewSigner(newer, older).Sign("evt_1", now, body)
	if parts := strings.Split(signatures, " "); len(parts) != 2 {
		t.Fatalf("Sign = %q", signatures)
	}
	for _, secret := range []signature.Secret{older, newer} {
		theirs, err := reference.NewWebhook(secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if err := theirs.Verify(body, headerOf("evt_1", now, signatures)); err != nil {
			t.Errorf("a receiver that knows one secret: %v", err)
		}
	}
}

func TestSignConcurrently(t *testing.T) {
	t.Parallel()
	signer := signature.NewSigner(secretOf(t, vectorSecret), signature.NewSecret())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				got := signer.Sign(vectorID, time.Unix(vectorSeconds, 0), []byte(vectorBody))
				if !strings.HasPrefix(got, vectorSignature+" ") {
					t.Errorf("Sign = %q", got)
				}
			}
		})
	}
	group.Wait()
}

func TestVerify(t *testing.T) {
	t.Parallel()
	secret, other := secretOf(t, vectorSecret), signature.NewSecret()
	now, body := time.Unix(vectorSeconds, 0), []byte(vectorBody)
	good := headerOf(vectorID, now, vectorSignature)
	with := func(name, value string) http.Header {
		h := good.Clone()
		if value == "" {
			h.Del(name)
		} else {
			h.Set(name, value)
		}
		return h
	}
	cases := []struct {
		name    string
		secrets []signature.Secret
		header  http.Header
		body    string
		now     time.Time
		want    error
	}{
		{"good", []signature.Secret{secret}, good, vectorBody, now, nil},
		{"second secret", []signature.Secret{other, secret}, good, vectorBody, now, nil},
		{"second signature", []signature.Secret{secret}, with("webhook-signature", "v1,AAAA v1a,xyz "+vectorSignature), vectorBody, now, nil},
		{"5 minutes old", []signature.Secret{secret}, good, vectorBody, now.Add(5 * time.Minute), nil},
		{"5 minutes ahead", []signature.Secret{secret}, good, vectorBody, now.Add(-5 * time.Minute), nil},
		{"too old", []signature.Secret{secret}, good, vectorBody, now.Add(5*time.Minute + time.Second), signature.ErrTooOld},
		{"too new", []signature.Secret{secret}, good, vectorBody, now.Add(-5*time.Minute - time.Second), signature.ErrTooNew},
		{"other body", []signature.Secret{secret}, good, vectorBody + " ", now, signature.ErrNoMatch},
		{"other secret", []signature.Secret{other}, good, vectorBody, now, signature.ErrNoMatch},
		{"no secret", nil, good, vectorBody, now, signature.ErrNoMatch},
		{"zero secret", []signature.Secret{{}}, good, vectorBody, now, signature.ErrNoMatch},
		{"other id", []signature.Secret{secret}, with("webhook-id", "msg_2"), vectorBody, now, signature.ErrNoMatch},
		{"other time", []signature.Secret{secret}, with("webhook-timestamp", "1614265331"), vectorBody, now, signature.ErrNoMatch},
		{"other version", []signature.Secret{secret}, with("webhook-signature", "v2"+vectorSignature[2:]), vectorBody, now, signature.ErrNoMatch},
		{"cut short", []signature.Secret{secret}, with("webhook-signature", vectorSignature[:20]), vectorBody, now, signature.ErrNoMatch},
		{"no id", []signature.Secret{secret}, with("webhook-id", ""), vectorBody, now, signature.ErrMissingHeader},
		{"no time", []signature.Secret{secret}, with("webhook-timestamp", ""), vectorBody, now, signature.ErrMissingHeader},
		{"no signature", []signature.Secret{secret}, with("webhook-signature", ""), vectorBody, now, signature.ErrMissingHeader},
		{"time is text", []signature.Secret{secret}, with("webhook-timestamp", "now"), vectorBody, now, signature.ErrTimestamp},
		{"time with a sign", []signature.Secret{secret}, with("webhook-timestamp", "+1614265330"), vectorBody, now, signature.ErrTimestamp},
		{"time with a fraction", []signature.Secret{secret}, with("webhook-timestamp", "1614265330.0"), vectorBody, now, signature.ErrTimestamp},
		{"time beyond int64", []signature.Secret{secret}, with("webhook-timestamp", "99999999999999999999"), vectorBody, now, signature.ErrTimestamp},
		{"time at the end of int64", []signature.Secret{secret}, with("webhook-timestamp", "9223372036854775807"), vectorBody, now, signature.ErrTooNew},
		{"time at the start of int64", []signature.Secret{secret}, with("webhook-timestamp", "-9223372036854775808"), vectorBody, now, signature.ErrTooOld},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := signature.Verify(c.secrets, c.header, []byte(c.body), c.now); !errors.Is(err, c.want) {
				t.Errorf("Verify = %v, want %v", err, c.want)
			}
		})
	}
	if err := signature.Verify([]signature.Secret{secret}, good, body, now); err != nil {
		t.Error(err)
	}
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	encode := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n)) }
	cases := []struct {
		name, text string
		ok         bool
	}{
		{"24 bytes", "whsec_" + encode(24), true},
		{"64 bytes", "whsec_" + encode(64), true},
		{"25 bytes with padding", "whsec_" + encode(25), true},
		{"25 bytes without padding", "whsec_" + strings.TrimRight(encode(25), "="), true},
		{"23 bytes", "whsec_" + encode(23), false},
		{"65 bytes", "whsec_" + encode(65), false},
		{"no prefix", encode(32), false},
		{"other prefix", "whsk_" + encode(32), false},
		{"url alphabet", "whsec_" + strings.NewReplacer("+", "-", "/", "_").Replace(encode(32)), false},
		{"too much padding", "whsec_" + encode(25) + "=", false},
		{"a newline", "whsec_" + encode(24) + "\n", false},
		{"a newline inside", "whsec_\n" + encode(24), false},
		{"bits beyond the last byte", "whsec_" + encode(24) + "AB==", false},
		{"empty", "", false},
		{"only the prefix", "whsec_", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			secret, err := signature.ParseSecret(c.text)
			if (err == nil) != c.ok {
				t.Fatalf("ParseSecret = %v", err)
			}
			if again, err := signature.ParseSecret(secret.Reveal()); c.ok && (err != nil || again.Reveal() != secret.Reveal()) {
				t.Errorf("what Reveal answers reads as %v", err)
			}
		})
	}
}

func TestNewSecretsDiffer(t *testing.T) {
	t.Parallel()
	if a, b := signature.NewSecret(), signature.NewSecret(); a.Reveal() == b.Reveal() {
		t.Error("two new secrets are equal")
	}
}

func TestSecretsStayOutOfLogs(t *testing.T) {
	t.Parallel()
	secret := secretOf(t, vectorSecret)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "nested", struct{ S signature.Secret }{secret})
	fmt.Fprintf(&log, "%v %+v %#v %s %q %v", secret, secret, secret, secret, secret, []signature.Secret{secret})
	if strings.Contains(log.String(), "MfKQ") || strings.Contains(log.String(), "49 242 144") {
		t.Errorf("the secret shows: %s", log.String())
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(vectorID, "1614265330", vectorSignature, []byte(vectorBody))
	f.Add("", "-1", "v1,", []byte{})
	f.Add("a.b", "01614265330", "v1, v1a,x  v1", []byte("."))
	secret := secretOf(f, vectorSecret)
	f.Fuzz(func(t *testing.T, id, timestamp, signatures string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signatures}}
		err := signature.Verify([]signature.Secret{secret}, h, body, time.Unix(vectorSeconds, 0))
		if err != nil {
			return
		}
		seconds, _ := strconv.ParseInt(timestamp, 10, 64)
		if want := signature.NewSigner(secret).Sign(id, time.Unix(seconds, 0), body); !strings.Contains(signatures, want) {
			t.Errorf("accepted %q, the signature is %q", signatures, want)
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	f.Add(vectorSecret)
	f.Add("whsec_====")
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := signature.ParseSecret(text)
		if err == nil && strings.TrimRight(secret.Reveal(), "=") != strings.TrimRight(text, "=") {
			t.Errorf("ParseSecret(%q) reads another secret", text)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	signer := signature.NewSigner(secretOf(b, vectorSecret))
	body, at := bytes.Repeat([]byte("x"), 300), time.Unix(vectorSeconds, 0)
	b.ReportAllocs()
	for b.Loop() {
		signer.Sign(vectorID, at, body)
	}
}
