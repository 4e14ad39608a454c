"""HTTP as the real server speaks it: from a request to a response, its checks, forms and errors."""
