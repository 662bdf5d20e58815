package client

// ReconnectWait is reconnectBackoff.wait.
var ReconnectWait = reconnectBackoff.wait
