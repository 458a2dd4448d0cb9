module go_web

go 1.19
