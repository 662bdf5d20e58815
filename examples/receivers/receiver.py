import base64, hmac, os
from http.server import BaseHTTPRequestHandler, HTTPServer

key = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        signature = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        verified = signature in self.headers.get("webhook-signature", "").split(" ")
        print("verified" if verified else "not signed with this secret", body.decode(), flush=True)
        self.send_response(204 if verified else 401)
        self.end_headers()

HTTPServer(("localhost", 3000), Receiver).serve_forever()
