module example.com/team

go 1.26

require (
	github.com/aws/aws-cdk-go/awscdk/v2 v2.276.0
	github.com/aws/jsii-runtime-go v1.140.0
	github.com/cdk-iam-virtual-mfa/cdk-iam-virtual-mfa-go/cdkiamvirtualmfa v0.1.0
)
