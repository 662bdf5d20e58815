package wire

import postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"

// WatchSnapshot is a delivery of the snapshot that begins a watch.
func WatchSnapshot(delivery *postriderv1.Delivery) *postriderv1.WatchDeliveriesResponse {
	return &postriderv1.WatchDeliveriesResponse{
		Message: &postriderv1.WatchDeliveriesResponse_Snapshot{Snapshot: delivery},
	}
}

// WatchSnapshotEnd marks the end of the snapshot.
func WatchSnapshotEnd() *postriderv1.WatchDeliveriesResponse {
	return &postriderv1.WatchDeliveriesResponse{
		Message: &postriderv1.WatchDeliveriesResponse_SnapshotEnd{SnapshotEnd: &postriderv1.SnapshotEnd{}},
	}
}

// WatchChange is a delivery as it is now.
func WatchChange(delivery *postriderv1.Delivery) *postriderv1.WatchDeliveriesResponse {
	return &postriderv1.WatchDeliveriesResponse{
		Message: &postriderv1.WatchDeliveriesResponse_Change{Change: delivery},
	}
}

// WatchHeartbeat shows that a quiet watch is alive.
func WatchHeartbeat() *postriderv1.WatchDeliveriesResponse {
	return &postriderv1.WatchDeliveriesResponse{
		Message: &postriderv1.WatchDeliveriesResponse_Heartbeat{Heartbeat: &postriderv1.WatchHeartbeat{}},
	}
}
