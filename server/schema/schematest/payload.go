package schematest

// Order is a payload of shop.v1.OrderCreated as the server writes it.
const Order = `{"orderId":"42","customerId":"3f2b0f0e-7c1e-4d7e-9c55-0b8a2f1d7a11","channel":"ORDER_CHANNEL_WEB",` +
	`"lines":[{"sku":"ABC-1","quantity":2,"unitPrice":{"currency":"EUR","minorUnits":"1999"},"options":{"size":"M"}}],` +
	`"total":{"currency":"EUR","minorUnits":"3998"},"note":"ring","ledgerNumber":"9007199254740993","createTime":"2024-05-01T10:00:00Z"}`
