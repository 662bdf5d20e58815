package wire

import postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"

// WatchSnapshot returns a delivery of the snapshot that begins a watch.
func WatchSnapshot(delivery *postriderv1.Delivery) *postriderv1.WatchDeliveriesResponse {
	return &postriderv1.WatchDeliveriesResponse{
		Message: &postriderv1.WatchDeliveriesResponse_Snapshot{Snapshot: delivery},
	}
}

// WatchSnapshotEnd returns the end of the snapshot.
func WatchSnapshotEnd() *postriderv1.WatchDeliveriesResponse {
	return &postriderv1.WatchDeliveriesResponse{
		Message: &postriderv1.WatchDeliveriesResponse_SnapshotEnd{SnapshotEnd: &postriderv1.SnapshotEnd{}},
	}
}

// WatchChange returns the current state of a delivery.
func WatchChange(delivery *postriderv1.Delivery) *postriderv1.WatchDeliveriesResponse {
	return &postriderv1.WatchDeliveriesResponse{
		Message: &postriderv1.WatchDeliveriesResponse_Change{Change: delivery},
	}
}

// WatchHeartbeat returns a heartbeat of a watch without changes.
func WatchHeartbeat() *postriderv1.WatchDeliveriesResponse {
	return &postriderv1.WatchDeliveriesResponse{
		Message: &postriderv1.WatchDeliveriesResponse_Heartbeat{Heartbeat: &postriderv1.WatchHeartbeat{}},
	}
}
