module go_socket

go 1.19
