package signature_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/postrider-dev/postrider/client/signature"
)

// A receiver verifies before it believes.
func ExampleVerify() {
	secret, err := signature.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"test": 2432232314}`)
	header := http.Header{}
	header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	header.Set("webhook-timestamp", "1614265330")
	header.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

	received := time.Unix(1614265335, 0)
	fmt.Println(signature.Verify([]signature.Secret{secret}, header, body, received))
	fmt.Println(signature.Verify([]signature.Secret{secret}, header, []byte(`{"test": 1}`), received))
	// Output:
	// <nil>
	// no signature matches
}

func ExampleSigner() {
	secret, err := signature.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	signer := signature.NewSigner(secret)
	fmt.Println(signer.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)))
	// Output: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
}
